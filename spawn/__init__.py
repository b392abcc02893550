"""The kernel of spawn: the language, the doors to the bus and to AWS, and the runtime.

It knows no service. Services, the CLI and the sandbox import it; it imports none of them.
"""
