"""The door to AWS: the only importer of aioboto3 and botocore. Structs out, outcomes raised.

`open_aws` gives an `Aws`; services name what they need of it by the Protocols in `ports`.
"""
