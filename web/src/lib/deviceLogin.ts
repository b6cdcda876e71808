import { ApiError, Unreachable, type Api, type SignedIn } from './api';

/** What the screen shows while somebody types the code in elsewhere. */
export interface DeviceCode {
  userCode: string;
  verificationUri: string;
  /** Where the QR code is to be fetched from; whoever follows it has the code typed in already. */
  qrCode: string;
}

export type DeviceLoginEnd = { signedIn: SignedIn } | { ended: true };

interface Begun {
  device_code: string;
  user_code: string;
  verification_uri: string;
  interval: number;
  expires_in: number;
}

interface Polled extends Partial<SignedIn> {
  authenticated: boolean | null;
  additional_details: { interval?: number } | null;
}

type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

const sleep: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/**
 * Signs this browser in like a device without a keyboard (RFC 8628): shows a code and asks until somebody has typed it in.
 * Ends with the session, or with `ended` when the code was not used in its time or `signal` was aborted.
 */
export async function deviceLogin(
  api: Api,
  onCode: (code: DeviceCode) => void,
  signal: AbortSignal,
  wait: Sleep = sleep,
): Promise<DeviceLoginEnd> {
  const begun = await api.call<Begun>('/authenticate/device', {}, null);
  onCode({
    userCode: begun.user_code,
    verificationUri: begun.verification_uri,
    qrCode: `/authenticate/device/get/qrcode?size=320&user_code=${encodeURIComponent(begun.user_code)}`,
  });
  let interval = begun.interval;
  while (!signal.aborted) {
    await wait(interval * 1000, signal);
    if (signal.aborted) break;
    try {
      const data = { device_code: begun.device_code };
      const polled = await api.call<Polled>('/authenticate/device/token', data, null);
      if (polled.authenticated && polled.token) return { signedIn: polled as SignedIn };
      interval = polled.additional_details?.interval ?? interval;
    } catch (error) {
      // Away for a moment: the code is still good. RFC 8628 section 3.5 wants slower questions then.
      if (error instanceof Unreachable) interval = Math.min(interval * 2, 60);
      else if (error instanceof ApiError && error.isSignedOut) return { ended: true };
      else throw error;
    }
  }
  return { ended: true };
}
