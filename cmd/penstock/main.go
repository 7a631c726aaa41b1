// Penstock moves files into Kafka topics and topics into S3, exactly once.
package main

import "github.com/penstock/penstock/cmd"

func main() { cmd.Main(cmd.Builtin()) }
