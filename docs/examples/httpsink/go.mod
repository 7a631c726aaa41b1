module example.com/httpsink

go 1.26.8

require github.com/penstock/penstock v0.0.0

replace github.com/penstock/penstock => ../../..
