-- Mail that waits to be sent by SMTP, and mail that could not be. What it says is sealed with a key that is not in the
-- database (base64): it may hold a link that lets somebody in. A row goes when its mail was taken.
CREATE TABLE outbox (
    id        TEXT   NOT NULL CONSTRAINT pk_outbox PRIMARY KEY,
    recipient TEXT   NOT NULL,
    sealed    TEXT   NOT NULL,
    -- When it was written, or last asked to be sent again: it is given up by that.
    queued    BIGINT NOT NULL,
    tries     BIGINT NOT NULL DEFAULT 0,
    next_try  BIGINT NOT NULL,
    -- When it was given up or refused; none while it waits.
    failed    BIGINT,
    -- What the last try ended with.
    error     TEXT
);
CREATE INDEX ix_outbox_waiting ON outbox (next_try) WHERE failed IS NULL;
