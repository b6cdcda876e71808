-- Live sources whose viewers see a slate while nobody publishes them.
CREATE TABLE live_slates (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_slates PRIMARY KEY CONSTRAINT fk_live_slates_registration REFERENCES live_registrations (id) ON DELETE CASCADE
);
