-- Members of a room's teams attend it like its participants. The first time that one does, they take
-- a seat, which is good as long as they are in one of the room's teams.
ALTER TABLE room_users ADD COLUMN via_team BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX ix_room_users_via_team ON room_users (room_id, user_id) WHERE via_team;

-- What was attached before anybody looked whether there is such a team.
DELETE FROM room_teams WHERE team_id NOT IN (SELECT id FROM teams);
CREATE INDEX ix_room_teams_team ON room_teams (team_id);

-- The seats that are good.
CREATE VIEW room_seats AS
    SELECT s.* FROM room_users s WHERE s.via_team = FALSE OR EXISTS (
        SELECT 1 FROM room_teams x JOIN team_people t ON t.team_id = x.team_id
        WHERE x.room_id = s.room_id AND t.user_id = s.user_id);
