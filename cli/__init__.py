"""The command line: parse, publish or read, render; it holds no AWS client."""
