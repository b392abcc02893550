"""The generated pages of docs/: each module returns texts by path, and writes nothing."""
