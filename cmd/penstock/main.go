// Penstock moves files into Kafka topics and topics into S3, exactly once.
package main

import "github.com/penstock/penstock/cmd"

// version is set by the linker.
var version string

func main() {
	cmd.Version = version
	cmd.Main(cmd.Builtin())
}
