//! Review rooms: the state machine, the synchronisation, presence, and the hub of live rooms.
