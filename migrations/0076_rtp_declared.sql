-- What sources of plain RTP are declared to send: the SDP of their encoders.
CREATE TABLE live_rtp_declared (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_rtp_declared PRIMARY KEY CONSTRAINT fk_live_rtp_declared_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    sdp TEXT NOT NULL
);
