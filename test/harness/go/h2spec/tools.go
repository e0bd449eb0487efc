//go:build tools

// Pins what the tests of HTTP/2 build: see goTool in ../../tools.ts.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
