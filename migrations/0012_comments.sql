-- Comments on assets. `frame` is null for one on the whole asset, or on a live source. `drawing` is
-- JSON: what is drawn on the frame.
CREATE TABLE comments (
    id          TEXT   NOT NULL CONSTRAINT pk_comments PRIMARY KEY,
    asset_id    TEXT   NOT NULL CONSTRAINT fk_comments_asset REFERENCES assets (id),
    -- The room that it was made in; it outlives the room, as the asset's.
    room_id     TEXT   CONSTRAINT fk_comments_room REFERENCES rooms (id) ON DELETE SET NULL,
    user_id     TEXT   NOT NULL CONSTRAINT fk_comments_user REFERENCES users (id),
    -- Chosen by the client, its own for each comment of a room.
    uuid        TEXT,
    scope       TEXT   NOT NULL DEFAULT 'ASSET',
    description TEXT   NOT NULL DEFAULT '',
    frame       BIGINT,
    drawing     TEXT,
    created     BIGINT NOT NULL,
    CONSTRAINT uq_comments_uuid UNIQUE (room_id, user_id, uuid),
    CONSTRAINT ck_comments_scope CHECK (scope IN ('ASSET', 'REVIEW_SESSION', 'PLAYLINK'))
);
CREATE INDEX ix_comments_asset ON comments (asset_id);
CREATE INDEX ix_comments_user ON comments (user_id);
