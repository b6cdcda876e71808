// What a test asks the server as the person whose page it is.
import type { Page } from '@playwright/test';

/** Opens a sign-in link, and waits until it has signed in: the address is that of the room before. */
export async function signIn(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.waitForFunction(() => sessionStorage.getItem('rushes.session') !== null);
}

/** Asks it over HTTP. */
export async function ask<T>(page: Page, path: string, body: object): Promise<T> {
  return page.evaluate(
    async ([path, body]) => {
      const { token } = JSON.parse(sessionStorage.getItem('rushes.session')!) as { token: string };
      const response = await fetch(path as string, { method: 'POST', headers: { 'X-Token': token }, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`${path as string}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    [path, body] as const,
  );
}

/** The folder that an asset is in. */
export async function folderOf(page: Page, asset: string): Promise<string> {
  return (await ask<{ project_id: string }>(page, '/get/asset', { id: asset })).project_id;
}

/** The status of an offer to view a source: 201 where there is something to see, 409 where nobody publishes. */
export async function offered(page: Page, source: string): Promise<number> {
  return page.evaluate(async (source) => {
    const { token } = JSON.parse(sessionStorage.getItem('rushes.session')!) as { token: string };
    const connection = new RTCPeerConnection();
    connection.addTransceiver('video', { direction: 'recvonly' });
    const { sdp } = await connection.createOffer();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' };
    const response = await fetch(`/live/whep/${source}`, { method: 'POST', headers, body: sdp! });
    const session = response.headers.get('location');
    if (session) await fetch(session, { method: 'DELETE', headers: { authorization: headers.authorization } });
    connection.close();
    return response.status;
  }, source);
}
