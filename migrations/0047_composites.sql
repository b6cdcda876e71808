-- What composites show: pictures that are put together of those of other sources.
CREATE TABLE live_composites (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_composites PRIMARY KEY CONSTRAINT fk_live_composites_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    -- JSON, as it was given.
    layout          TEXT NOT NULL
);
