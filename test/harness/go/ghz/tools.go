//go:build tools

// Pins what the benchmark of HTTP/2 builds: see goTool in ../../tools.ts.
package tools

import _ "github.com/bojand/ghz/cmd/ghz"
