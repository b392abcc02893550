"""The language of spawn: one module per noun, frozen Structs, each with its subject beside it."""
