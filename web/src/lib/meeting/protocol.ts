/** Voice and camera over the WebSocket, as the server speaks it. */

export interface Member {
  user_id: string;
  name: string;
  is_host: boolean;
  /** Nothing of what they say reaches anybody: the server sees to it. */
  muted: boolean;
  may_unmute: boolean;
  camera: boolean;
}

/** Which section of the SDP carries whom. */
export interface Source {
  mid: string;
  user_id: string;
}

export interface Offer {
  id: string;
  /** A number that no other joining has. */
  attendance: number;
  offer: number;
  sdp: string;
}

export interface Joined extends Offer {
  user_id: string;
  ice: RTCConfiguration;
  /** Bits a second of a camera's small and large layer. */
  camera_rates: number[];
}

export interface Roster {
  id: string;
  members: Member[];
}

export interface Speaker {
  id: string;
  user_id: string | null;
  talking: string[];
}

export interface Sources {
  id: string;
  attendance: number;
  audio: Source[];
  video: Source[];
}

export interface Asked {
  id: string;
  by: string;
}

export type EndReason = 'REPLACED' | 'REMOVED' | 'CLOSED' | 'LOST';

export interface Ended {
  id: string;
  attendance: number;
  reason: EndReason;
}

export const MeetingEvent = {
  OFFER: 'REVIEW_SESSION_MEETING_OFFER',
  ROSTER: 'REVIEW_SESSION_MEETING_ROSTER',
  SPEAKER: 'REVIEW_SESSION_MEETING_SPEAKER',
  SOURCES: 'REVIEW_SESSION_MEETING_SOURCES',
  ASKED: 'REVIEW_SESSION_MEETING_ASKED',
  ENDED: 'REVIEW_SESSION_MEETING_ENDED',
} as const;
