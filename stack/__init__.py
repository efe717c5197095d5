"""The embedded stack: real servers as child processes, virtual time, the demo and its commands.

Nothing else in the project imports this package; production runs the same parts from
`docker-compose.yml`.
"""
