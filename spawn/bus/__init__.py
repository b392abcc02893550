"""The bus door: the only importer of nats.

`connection` opens it; `streams` are made once; `stores` and `mirror` hold records; `publish` and
`consume` carry events and commands; `follow` reads events in order; `endpoints` and `requests`
ask and answer; `fences` keep one replica at a time. `ports` names all of it for services and
imports no client.
"""
