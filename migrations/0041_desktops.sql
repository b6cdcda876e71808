-- More of sources that are a screen. One that somebody shares in a room names the room; there is
-- one for each person and room.
CREATE TABLE live_desktops (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_desktops PRIMARY KEY CONSTRAINT fk_live_desktops_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    room_id         TEXT CONSTRAINT fk_live_desktops_room REFERENCES rooms (id) ON DELETE CASCADE
);
CREATE INDEX ix_live_desktops_room ON live_desktops (room_id);

-- The room whose shared screen an asset is: its people see it, and of the folder the administrators.
ALTER TABLE assets ADD COLUMN room_id TEXT CONSTRAINT fk_assets_room REFERENCES rooms (id) ON DELETE SET NULL;
CREATE INDEX ix_assets_room ON assets (room_id);
