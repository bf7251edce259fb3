"""Control of a running bench: an HTTP and WebSocket API on loopback, and its clients (docs/control.md)."""
