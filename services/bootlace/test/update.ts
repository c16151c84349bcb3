import { Route53 } from "@aws-sdk/client-route-53";
import { ownAddress } from "../../lib/addresses.ts";
import { awsClientConfig } from "../../lib/aws-client.ts";
import { main } from "../../lib/main.ts";
import { acmeCa } from "./acme/acme-ca.ts";
import { ensureCertificate, tlsFiles } from "./certificate.ts";
import { findZone, HostedZone } from "./hosted-zone.ts";
import { privateCa } from "./private-ca.ts";
import { addressRecord, ensureRecords, ownRecords } from "./records.ts";
import { hostName, readSettings } from "./settings.ts";
import { ensureVirtualHosts, virtualHostsText } from "./virtual-hosts.ts";

await main(async (use) => {
  const settings = readSettings(process.env);
  const { state, instance, links } = settings;
  const client = use(new Route53(awsClientConfig(process.env, "awsKeys")));
  const own = ownRecords(state, instance);
  // The zone's id does not change under a name; each machine asks for it once.
  const known = own && (own.zone.name === settings.zone || own.zone.id === settings.zone) ? own.zone : undefined;
  const zone = known ? new HostedZone(client, known.id, known.name) : await findZone(client, settings.zone);
  const hosts = links.map((link) => ({ host: hostName(link, instance, zone.name), target: link.target }));
  const names = hosts.map(({ host }) => host);

  const address = await ownAddress(settings.address, process.env);
  const wanted = names.map((name) => addressRecord(name, address));
  const written = await ensureRecords(zone, wanted, own, { state, instance });
  if (written > 0) console.log(`Route 53: ${written} records changed, ${address}`);

  const authority =
    settings.acme === undefined
      ? privateCa(settings.issuer, settings.days)
      : acmeCa({ directory: settings.acme, email: settings.acmeEmail, folder: state, instance, zone });
  const why = await ensureCertificate({ folder: state, instance, names, authority });
  if (why !== undefined) console.log(`new certificate: ${why}`);

  const text = virtualHostsText(hosts, settings.port, tlsFiles(state));
  if (ensureVirtualHosts(settings.sites, text, state)) console.log("Apache loaded its configuration");
  for (const name of names) console.log(`https://${name}${settings.port === 443 ? "" : `:${settings.port}`}/`);
});
