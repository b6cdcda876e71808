-- A guest's link ends by itself: those that exist, thirty days after the invitation.
ALTER TABLE room_users ADD COLUMN link_expires BIGINT;
UPDATE room_users SET link_expires = created + 2592000000 WHERE link_sha256 IS NOT NULL;
