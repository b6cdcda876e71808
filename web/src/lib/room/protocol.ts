/** The room protocol over the WebSocket, as the server speaks it. Times are milliseconds on the server's clock. */

import type { Loop, Timeline } from '../sync';

export type SyncMode = 'HOST' | 'EVERYONE' | 'UNSYNCED';

/** A second clip beside the one on show. */
export interface Compare {
  asset_id: string;
  frames: number | null;
  fps_num: number | null;
  fps_den: number | null;
  layout: 'SIDE' | 'WIPE';
  /** Where the line between them is, in ten-thousandths of the width. */
  split: number;
  /** How many frames the second is ahead. */
  offset: number;
}

export interface RoomState extends Timeline {
  epoch: number;
  rev: number;
  server_ms: number;
  sync_mode: SyncMode;
  driver: string | null;
  asset_id: string | null;
  live_pts: number | null;
  compare: Compare | null;
  /** The most that a live source is held back so that everyone sees it together, in milliseconds. */
  live_ceiling_ms: number;
  /** A client's own text; absent in an event where it is as before. */
  asset_state?: string | null;
}

export interface RoomUser {
  user_id: string;
  name: string;
  is_host: boolean;
  is_guest: boolean;
  online: boolean;
  error_ms: number | null;
  error_frames: number | null;
  rtt_ms: number | null;
  buffering: boolean | null;
  /** False while they look at something else. */
  following: boolean | null;
}

export interface You {
  user_id: string;
  is_host: boolean;
  can_drive: boolean;
}

/** The people of a room. Of a crowd only some are listed. */
export interface People {
  users: RoomUser[];
  /** How many are there now. */
  online: number;
  /** True if there are others, who are not in the list. */
  more: boolean;
}

/** A change of a room's state. */
export interface StateChange {
  id: string;
  state: RoomState;
  /** The command that it came of; null for one of the API. */
  cmd_id: string | null;
}

export interface Snapshot extends People {
  id: string;
  state: RoomState;
  /** What changed after the revision that was named as known; null where that is not remembered, or none was named. */
  missed: StateChange[] | null;
  /** How old a live picture shall be when it is shown; null while that is not known. */
  live_delay_ms: number | null;
  you: You;
  /** The number of the last message of the chat. */
  last_message: number;
  server_ms: number;
}

/** What is asked of a room. Frames are absolute. */
export type Op =
  | { op: 'LOAD'; asset_id: string; frame?: number }
  | { op: 'PLAY'; frame: number }
  | { op: 'PAUSE'; frame: number }
  | { op: 'STEP'; frame: number }
  | { op: 'SEEK'; frame: number }
  | { op: 'RATE'; rate: number }
  | { op: 'LOOP'; loop: Loop }
  | { op: 'MODE'; sync_mode: SyncMode }
  | { op: 'LIVE_CEILING'; ceiling_ms: number }
  | ({ op: 'COMPARE'; asset_id: string | null } & Partial<
      Pick<Compare, 'layout' | 'split' | 'offset'>
    >)
  | { op: 'DRIVE'; user_id?: string };

export interface Ack {
  cmd_id: string;
  epoch: number;
  rev: number;
  effective_ms: number;
}

export interface Report {
  asset_id: string | null;
  frame: number | null;
  error_ms: number;
  error_frames: number;
  rtt_ms: number;
  buffering: boolean;
  following: boolean;
  /** The least age at which the live source can be shown here; null for who does not wait for others. */
  live_ms: number | null;
}

/** Of two states of a room the one with the greater epoch and revision is the newer. */
export function isNewer(a: RoomState, b: RoomState): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.rev > b.rev;
}
