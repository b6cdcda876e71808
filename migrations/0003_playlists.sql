-- Ordered selections of assets.

CREATE TABLE playlists (
    id                 TEXT   NOT NULL CONSTRAINT pk_playlists PRIMARY KEY,
    company_id         TEXT   CONSTRAINT fk_playlists_company REFERENCES companies (id),
    production_id      TEXT   CONSTRAINT fk_playlists_production REFERENCES productions (id),
    owner_id           TEXT   NOT NULL CONSTRAINT fk_playlists_owner REFERENCES users (id),
    name               TEXT   NOT NULL,
    description        TEXT   NOT NULL DEFAULT '',
    -- Who it belongs to: a person, or a room that keeps its own.
    playlist_type      TEXT   NOT NULL DEFAULT 'USER',
    -- Null for one that is filled by hand.
    playlist_source    TEXT,
    source_project_id  TEXT   CONSTRAINT fk_playlists_source_project REFERENCES projects (id),
    thumbnail_type     TEXT   NOT NULL DEFAULT 'NONE',
    thumbnail_asset_id TEXT   CONSTRAINT fk_playlists_thumbnail_asset REFERENCES assets (id),
    created            BIGINT NOT NULL,
    modified           BIGINT NOT NULL,
    CONSTRAINT ck_playlists_type CHECK (playlist_type IN ('USER', 'REVIEW_SESSION')),
    CONSTRAINT ck_playlists_source CHECK (playlist_source IN ('SNAPSHOT', 'FOLDER'))
);
CREATE INDEX ix_playlists_owner ON playlists (owner_id);
CREATE INDEX ix_playlists_production ON playlists (production_id);

-- An asset is at most once in a playlist; `sort_index` counts from 0.
CREATE TABLE playlist_assets (
    id          TEXT    NOT NULL CONSTRAINT pk_playlist_assets PRIMARY KEY,
    playlist_id TEXT    NOT NULL CONSTRAINT fk_playlist_assets_playlist REFERENCES playlists (id) ON DELETE CASCADE,
    asset_id    TEXT    NOT NULL CONSTRAINT fk_playlist_assets_asset REFERENCES assets (id) ON DELETE CASCADE,
    sort_index  INTEGER NOT NULL,
    created     BIGINT  NOT NULL,
    CONSTRAINT uq_playlist_assets_asset UNIQUE (playlist_id, asset_id)
);
CREATE INDEX ix_playlist_assets_asset ON playlist_assets (asset_id);
