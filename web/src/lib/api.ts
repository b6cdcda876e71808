/** Codes of the contract that the client acts on; any other is shown with its message. */
export const Code = {
  TOKEN_PERMISSION: 402,
  DENIED: 403,
  NOT_FOUND: 404,
  TOKEN_INVALID: 405,
  TOO_MANY_FAILURES: 409,
  STALE: 650,
  ROOM_NOT_FOUND: 672,
  NOT_IN_ROOM: 673,
  ROOM_NOT_STARTED: 674,
  ROOM_COMPLETE: 675,
  GUEST_UPGRADED: 677,
  TOO_FAST: 900,
} as const;

export interface FieldError {
  name: string;
  code: number;
  message: string;
}

/** The body of an error as the server writes it, over HTTP and over the WebSocket alike. */
export interface ErrorBody {
  code: number;
  message: string;
  fields?: FieldError[] | null;
}

/** The server answered, and the answer is an error. */
export class ApiError extends Error {
  readonly code: number;
  readonly fields: readonly FieldError[];
  /** The HTTP status; null where the answer came over the WebSocket. */
  readonly status: number | null;
  /** Everything that came beside the error, such as the `snapshot` of a refused room command. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    body: ErrorBody,
    status: number | null = null,
    details: Record<string, unknown> = {},
  ) {
    super(body.message);
    this.name = 'ApiError';
    this.code = body.code;
    this.fields = body.fields ?? [];
    this.status = status;
    this.details = details;
  }

  /** True if the token that was sent is no longer good for anything. */
  get isSignedOut(): boolean {
    return this.status === 401 || this.code === Code.TOKEN_INVALID;
  }
}

/** The server did not answer: it is away, or the network is. */
export class Unreachable extends Error {
  constructor(message = 'The server cannot be reached.', options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unreachable';
  }
}

export interface User {
  id: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  type: string | null;
}

export interface SignedIn extends User {
  token: string;
}

export type RoomStatus = 'DRAFT' | 'SCHEDULED' | 'STARTED' | 'COMPLETE';

export interface Room {
  id: string;
  name: string;
  description: string | null;
  group_id: string;
  group_name: string | null;
  company_name: string | null;
  owner_id: string | null;
  owner_name: string | null;
  status: RoomStatus;
  start_time: string | null;
  end_time: string | null;
  is_owner: boolean | null;
  is_host: boolean | null;
  asset_count: number | null;
  /** True for hosts, and for the administrators of its production. */
  can_edit: boolean | null;
  /** False for guests. */
  can_show_teams: boolean | null;
  mute_participants_on_entry: boolean | null;
  allow_participants_to_unmute_self: boolean | null;
  /** The playlist that is the room's alone. */
  session_playlist_id: string | null;
}

export interface Asset {
  id: string;
  name: string;
  is_live: boolean | null;
  /** Seconds; null while it is not known, and for live sources. */
  duration: number | null;
  type: string | null;
  /** `STREAMING` of live sources. */
  subtype: string | null;
  status: string | null;
  thumbnail_url: string | null;
  /** The batch of the folder that it is in. */
  batch_id: string | null;
  /** Who made it; of a shared screen, who shares it. */
  user_id: string | null;
  /** Its place in the room; an asset can have more than one. */
  review_session_asset_id?: string | null;
  /** Which of the room's playlists it is in. */
  playlist_id?: string | null;
}

export interface AssetFile {
  id: string;
  asset_id: string;
  url: string | null;
  frame_rate: number | null;
  width: number | null;
  height: number | null;
  /** Timecode of the first frame, as the file carries it. */
  tc_start: string | null;
  audio_channels: number | null;
  video_codec: string | null;
}

export interface ApiOptions {
  /** Where the server is, without a slash at the end; empty means where this page came from. */
  base?: string;
  fetch?: typeof fetch;
  /** Milliseconds after which an unanswered request counts as unreachable. */
  timeoutMs?: number;
}

/** A file may be long: the log of three hours. */
const FILE_TIMEOUT_MS = 120_000;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error inside a body of the server, or null if there is none. */
export function errorIn(body: unknown): ErrorBody | null {
  if (!isRecord(body) || !isRecord(body.error)) return null;
  const { code, message, fields } = body.error;
  return {
    code: typeof code === 'number' ? code : 0,
    message: typeof message === 'string' && message ? message : 'The server refused the request.',
    fields: Array.isArray(fields) ? (fields as FieldError[]) : null,
  };
}

/**
 * Where to fetch a file from. One that the server keeps itself is fetched from where this page came from: the server may
 * know itself by another name than the one that reaches it from here.
 */
export function fileAddress(url: string, page: string): string {
  const address = new URL(url, page);
  if (!address.pathname.startsWith('/files/')) return address.href;
  return new URL(address.pathname + address.search, page).href;
}

/** The HTTP side of the API. It holds no state: the token comes with each call. */
export class Api {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;

  constructor(options: ApiOptions = {}) {
    this.#base = options.base ?? '';
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#timeoutMs = options.timeoutMs ?? 15_000;
  }

  /**
   * Posts `data` to an endpoint and returns the bare answer.
   *
   * @throws {ApiError} if the server refuses
   * @throws {Unreachable} if no answer of the server comes, or one that is not JSON
   */
  call<T>(endpoint: string, data: object, token: string | null): Promise<T> {
    const headers: Record<string, string> = { 'Content-Type': 'application/json' };
    if (token) headers['X-Token'] = token;
    return this.#ask(endpoint, { method: 'POST', headers, body: JSON.stringify(data) });
  }

  /**
   * Deletes what a path names.
   *
   * @throws {ApiError} if the server refuses
   * @throws {Unreachable} if no answer of the server comes, or one that is not JSON
   */
  async delete(path: string, token: string): Promise<void> {
    await this.#ask(path, { method: 'DELETE', headers: { 'X-Token': token } });
  }

  /**
   * Puts something where it has a place of its own.
   *
   * @throws {ApiError} if the server refuses
   * @throws {Unreachable} if no answer of the server comes, or one that is not JSON
   */
  put<T>(path: string, data: object, token: string): Promise<T> {
    const headers = { 'X-Token': token, 'Content-Type': 'application/json' };
    return this.#ask(path, { method: 'PUT', headers, body: JSON.stringify(data) });
  }

  async #ask<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response;
    let body: unknown;
    try {
      response = await this.#fetch(this.#base + path, {
        ...init,
        signal: AbortSignal.timeout(this.#timeoutMs),
        credentials: 'omit',
        cache: 'no-store',
      });
      body = await response.json();
    } catch (cause) {
      throw new Unreachable(undefined, { cause });
    }
    const error = errorIn(body);
    if (error) {
      const { error: _, ...details } = body as Record<string, unknown>;
      throw new ApiError(error, response.status, details);
    }
    if (!response.ok) throw new Unreachable(`The server answered with status ${response.status}.`);
    return body as T;
  }

  /**
   * Fetches what is meant to be saved as a file.
   *
   * @throws {ApiError} if the server refuses
   * @throws {Unreachable} if no answer of the server comes
   */
  async file(path: string, token: string): Promise<Blob> {
    try {
      const response = await this.#fetch(this.#base + path, {
        headers: { 'X-Token': token },
        signal: AbortSignal.timeout(FILE_TIMEOUT_MS),
        credentials: 'omit',
        cache: 'no-store',
      });
      if (response.ok) return await response.blob();
      const error = errorIn(await response.json());
      if (error) throw new ApiError(error, response.status);
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw new Unreachable(undefined, { cause });
    }
    throw new Unreachable('The server answered with something else than the file.');
  }

  /** Exchanges the token of a sign-in link for a session. */
  signInByLink(oneTimeToken: string): Promise<SignedIn> {
    return this.call('/authenticate/user/onetimetoken', { onetimetoken: oneTimeToken }, null);
  }

  /** Signs a guest in with the key from a room's guest link. */
  signInAsGuest(key: string, firstName: string, lastName: string): Promise<SignedIn> {
    return this.call(
      '/authenticate/user/review_session',
      { review_session_user_id: key, firstname: firstName, lastname: lastName },
      null,
    );
  }

  user(token: string): Promise<User> {
    return this.call('/get/user', {}, token);
  }

  rooms(token: string): Promise<Room[]> {
    return this.call('/get/review_sessions', {}, token);
  }

  room(token: string, id: string): Promise<Room> {
    return this.call('/get/review_session', { id }, token);
  }

  /** The clips and live sources of all playlists in a room, in their order. */
  roomAssets(token: string, id: string): Promise<Asset[]> {
    return this.call('/get/review_session/assets', { id }, token);
  }

  /** What proves this person to the room's voice and camera; the one before ends with it. */
  async joinToken(token: string, id: string): Promise<string> {
    const joined = await this.call<{ attendee: string }>(
      '/join/review_session',
      { id, media_region: 'local' },
      token,
    );
    return (JSON.parse(joined.attendee) as { JoinToken: string }).JoinToken;
  }

  /** The playable file of a clip. Its `url` is signed and short-lived: ask again when it stops working. */
  primaryFile(token: string, assetId: string): Promise<AssetFile> {
    return this.call('/get/asset/file/primary', { id: assetId }, token);
  }
}

/** A part of the API; each call carries the token. */
export class ApiPart<A extends Pick<Api, 'call'> = Pick<Api, 'call'>> {
  protected readonly api: A;
  protected readonly token: string;

  constructor(api: A, token: string) {
    this.api = api;
    this.token = token;
  }

  protected call<T>(endpoint: string, data: object): Promise<T> {
    return this.api.call(endpoint, data, this.token);
  }
}
