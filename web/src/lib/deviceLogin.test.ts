import { describe, expect, it, vi } from 'vitest';
import { Api } from './api';
import { deviceLogin } from './deviceLogin';

const begun = {
  device_code: 'D',
  user_code: 'BDWP-HQPK',
  verification_uri: 'http://rushes.test/#/device',
  interval: 5,
  expires_in: 900,
};

/** A server that answers these in turn; an Error is a network that does not. */
function answering(...answers: unknown[]) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    const failed = typeof next === 'object' && next !== null && 'error' in next;
    return new Response(JSON.stringify(next), { status: failed ? 401 : 200 });
  });
  return new Api({ fetch });
}

function waiting() {
  const waits: number[] = [];
  return { waits, wait: async (ms: number) => void waits.push(ms) };
}

describe('deviceLogin', () => {
  it('shows the code, waits as long as it is told, and ends signed in', async () => {
    const pending = (interval: number) => ({
      authenticated: false,
      additional_details: { error: 'authorization_pending', interval },
    });
    const signedIn = { authenticated: true, token: 'T', id: 'U' };
    const api = answering(begun, pending(5), pending(10), new Error('away'), signedIn);
    const { waits, wait } = waiting();
    const onCode = vi.fn();
    const end = await deviceLogin(api, onCode, new AbortController().signal, wait);
    expect(end).toMatchObject({ signedIn: { token: 'T' } });
    expect(waits).toEqual([5000, 5000, 10000, 20000]);
    expect(onCode.mock.calls[0]?.[0]).toMatchObject({ userCode: 'BDWP-HQPK' });
  });

  it('ends with its code, and when nobody waits any more', async () => {
    const expired = { error: { code: 405, message: 'ended' } };
    const signal = new AbortController().signal;
    const { wait } = waiting();
    const end = await deviceLogin(answering(begun, expired), () => {}, signal, wait);
    expect(end).toEqual({ ended: true });
    const stopped = new AbortController();
    const stop = async () => stopped.abort();
    const later = await deviceLogin(answering(begun), () => {}, stopped.signal, stop);
    expect(later).toEqual({ ended: true });
  });
});
