import { describe, expect, it, vi } from 'vitest';
import { Api, ApiError, Unreachable, errorIn, fileAddress } from './api';

function answering(status: number, body: unknown) {
  return vi.fn<typeof fetch>(async () => new Response(JSON.stringify(body), { status }));
}

describe('Api', () => {
  it('posts JSON with the token in its header and returns the bare answer', async () => {
    const fetch = answering(200, [{ id: 'A', name: 'Dailies' }]);
    const rooms = await new Api({ base: 'http://rushes.test', fetch }).rooms('TOKEN');
    expect(rooms).toEqual([{ id: 'A', name: 'Dailies' }]);
    const [url, init] = fetch.mock.calls[0]!;
    expect(url).toBe('http://rushes.test/get/review_sessions');
    expect(init?.method).toBe('POST');
    expect(init?.headers).toEqual({ 'Content-Type': 'application/json', 'X-Token': 'TOKEN' });
    expect(init?.body).toBe('{}');
  });

  it('sends no token when signing in', async () => {
    const fetch = answering(200, { id: 'U', token: 'T' });
    await new Api({ fetch }).signInAsGuest('KEY', 'Guest', 'One');
    const [url, init] = fetch.mock.calls[0]!;
    expect(url).toBe('/authenticate/user/review_session');
    expect(init?.headers).not.toHaveProperty('X-Token');
    expect(JSON.parse(String(init?.body))).toEqual({
      review_session_user_id: 'KEY',
      firstname: 'Guest',
      lastname: 'One',
    });
  });

  it('throws the error of the contract with its fields and what stands beside it', async () => {
    const fetch = answering(400, {
      error: {
        code: 407,
        message: 'Invalid',
        fields: [{ name: 'id', code: 600, message: 'needed' }],
      },
      snapshot: { rev: 3 },
    });
    const error = await new Api({ fetch }).room('T', '').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    const refused = error as ApiError;
    expect(refused.code).toBe(407);
    expect(refused.status).toBe(400);
    expect(refused.fields[0]?.name).toBe('id');
    expect(refused.details).toEqual({ snapshot: { rev: 3 } });
    expect(refused.isSignedOut).toBe(false);
  });

  it('knows when the session is over', async () => {
    const fetch = answering(401, { error: { code: 405, message: 'Invalid security token' } });
    const error = await new Api({ fetch }).user('OLD').catch((e: unknown) => e);
    expect((error as ApiError).isSignedOut).toBe(true);
  });

  it('calls a silent network, a page that is no JSON and a bare 502 unreachable', async () => {
    const silent = vi.fn<typeof fetch>(async () => {
      throw new TypeError('Failed to fetch');
    });
    const html = vi.fn<typeof fetch>(async () => new Response('<html>', { status: 200 }));
    const gateway = answering(502, {});
    for (const fetch of [silent, html, gateway]) {
      await expect(new Api({ fetch }).user('T')).rejects.toBeInstanceOf(Unreachable);
    }
  });
});

describe('errorIn', () => {
  it('sees no error in an ordinary answer', () => {
    expect(errorIn({ id: 'A' })).toBeNull();
    expect(errorIn([{ error: 1 }])).toBeNull();
    expect(errorIn(null)).toBeNull();
  });
});

describe('fileAddress', () => {
  const page = 'http://192.0.2.7:8080/#/rooms/A';

  it('fetches what the server keeps from where the page came from', () => {
    const address = 'http://192.0.2.7:8080/files/F/clip.mp4?token=T';
    expect(fileAddress('http://127.0.0.1:8080/files/F/clip.mp4?token=T', page)).toBe(address);
    expect(fileAddress('/files/F/clip.mp4?token=T', page)).toBe(address);
  });

  it('leaves other places alone', () => {
    const elsewhere = 'https://bucket.test/a/files/clip.mp4?sig=S';
    expect(fileAddress(elsewhere, page)).toBe(elsewhere);
  });
});
