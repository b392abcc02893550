"""What a call asks to be allowed: its actions, on which resources, under which conditions.

By the service authorization reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
"""
