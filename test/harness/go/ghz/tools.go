//go:build tools

// Pins what the benchmark of HTTP/2 and the tests of gRPC build: see goTool in ../../tools.ts.
package tools

import _ "github.com/bojand/ghz/cmd/ghz"
