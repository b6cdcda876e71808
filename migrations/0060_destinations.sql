-- Whom messages with assets are sent to: a person with a device on a set, in a folder.
CREATE TABLE destinations (
    id         TEXT   NOT NULL CONSTRAINT pk_destinations PRIMARY KEY,
    project_id TEXT   NOT NULL CONSTRAINT fk_destinations_project REFERENCES projects (id) ON DELETE CASCADE,
    kind       TEXT   NOT NULL,
    -- In lower case. There may be no account of this address.
    user_email TEXT   NOT NULL,
    user_name  TEXT   NOT NULL,
    user_role  TEXT,
    created    BIGINT NOT NULL,
    CONSTRAINT uq_destinations_person UNIQUE (project_id, kind, user_email),
    CONSTRAINT ck_destinations_kind CHECK (kind IN ('QTAKE'))
);

-- Who is told of the messages of a destination, and on which device. One that ends is gone.
CREATE TABLE destination_subscriptions (
    id             TEXT   NOT NULL CONSTRAINT pk_destination_subscriptions PRIMARY KEY,
    destination_id TEXT   NOT NULL CONSTRAINT fk_destination_subscriptions_destination REFERENCES destinations (id) ON DELETE CASCADE,
    created_by     TEXT   NOT NULL CONSTRAINT fk_destination_subscriptions_user REFERENCES users (id),
    -- Empty for a device without a name: of null there could be several.
    device_name    TEXT   NOT NULL,
    created        BIGINT NOT NULL,
    CONSTRAINT uq_destination_subscriptions_device UNIQUE (destination_id, created_by, device_name)
);

-- `seq` counts from 1 in each destination: the order in which messages were sent, whatever clocks did.
CREATE TABLE destination_messages (
    id             TEXT   NOT NULL CONSTRAINT pk_destination_messages PRIMARY KEY,
    destination_id TEXT   NOT NULL CONSTRAINT fk_destination_messages_destination REFERENCES destinations (id) ON DELETE CASCADE,
    seq            BIGINT NOT NULL,
    sender_id      TEXT   NOT NULL CONSTRAINT fk_destination_messages_sender REFERENCES users (id),
    status         TEXT   NOT NULL DEFAULT 'PENDING',
    text           TEXT,
    error_message  TEXT,
    created        BIGINT NOT NULL,
    CONSTRAINT uq_destination_messages_seq UNIQUE (destination_id, seq),
    CONSTRAINT ck_destination_messages_status CHECK (status IN ('PENDING', 'DELIVERED', 'RECEIVED', 'ERROR'))
);
CREATE INDEX ix_destination_messages_status ON destination_messages (destination_id, status);

-- The assets of a message, in the order in which they were named.
CREATE TABLE destination_message_assets (
    message_id TEXT    NOT NULL CONSTRAINT fk_destination_message_assets_message REFERENCES destination_messages (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    asset_id   TEXT    NOT NULL CONSTRAINT fk_destination_message_assets_asset REFERENCES assets (id) ON DELETE CASCADE,
    CONSTRAINT pk_destination_message_assets PRIMARY KEY (message_id, place)
);
CREATE INDEX ix_destination_message_assets_asset ON destination_message_assets (asset_id);
