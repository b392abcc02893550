"""Who may do what: IAM's policies, evaluated as IAM evaluates them.

`policy`, `patterns`, `conditions` and `evaluator` are pure. `questions` says what a call asks for,
`principals` who asks with which policies, `guard` puts the two together for the front.
"""
