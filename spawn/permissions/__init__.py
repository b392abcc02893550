"""The language of permissions: from `service:Level[:resource]` to an IAM policy document.

Pure: texts in, texts out, and nothing is asked of AWS. The command line and the IAM broker use
the same code, so that `spawn iam show` shows what will be granted.
"""
