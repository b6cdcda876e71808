-- When anybody last joined a room, without a look at all of its people.
CREATE INDEX ix_room_users_last_joined ON room_users (room_id, last_joined);
