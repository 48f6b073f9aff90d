"""`make bench-live`: live streams over loopback, our clients against raw sockets and the peers.

`main` owns the order of the work, `server` the replay server, `worker` a client's process, `sides` the clients,
`targets` what is held against a bound, `report` and `picture` what comes out.
"""
