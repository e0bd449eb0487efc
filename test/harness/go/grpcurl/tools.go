//go:build tools

// Pins what the tests of gRPC build: see goTool in ../../tools.ts.
package tools

import _ "github.com/fullstorydev/grpcurl/cmd/grpcurl"
