//go:build tools

// Pins what the tests of gRPC build: see goTool in ../../tools.ts.
package tools

import (
	_ "google.golang.org/grpc/interop/client"
	_ "google.golang.org/grpc/interop/server"
)
