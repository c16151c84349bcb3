import type { PackageManager, Service } from "../types/service.ts";

/** A file that makes a repository known to a package manager. */
export interface RepositoryFile {
  readonly path: string;
  /** Text to write, or a file of the service's folder to copy. */
  readonly content: { readonly text: string } | { readonly from: string };
  /** Lines are added to the file where they are missing, instead of replacing it. */
  readonly append?: boolean;
}

/** Files for the repositories of a service: deb822 sources(5), dnf.conf(5), apk-repositories(5). */
export function repositoryFiles(service: Service, manager: PackageManager): RepositoryFile[] {
  const id = (index: number): string => `bootlace-${service.name.replaceAll("/", "-")}-${index + 1}`;
  switch (manager) {
    case "apt":
      return service.repositories.apt.flatMap(({ url, suite, components, key }, index): RepositoryFile[] => {
        const keyring = `/etc/apt/keyrings/${id(index)}.${key?.endsWith(".gpg") ? "gpg" : "asc"}`;
        const lines = [
          "Types: deb",
          `URIs: ${url}`,
          `Suites: ${suite}`,
          ...(components.length > 0 ? [`Components: ${components.join(" ")}`] : []),
          ...(key === undefined ? [] : [`Signed-By: ${keyring}`]),
        ];
        return [
          ...(key === undefined ? [] : [{ path: keyring, content: { from: key } }]),
          { path: `/etc/apt/sources.list.d/${id(index)}.sources`, content: { text: `${lines.join("\n")}\n` } },
        ];
      });
    case "dnf":
      return service.repositories.dnf.flatMap(({ url, name, key }, index): RepositoryFile[] => {
        const keyring = `/etc/pki/rpm-gpg/${id(index)}`;
        const check = key === undefined ? "gpgcheck=0" : `gpgcheck=1\ngpgkey=file://${keyring}`;
        return [
          ...(key === undefined ? [] : [{ path: keyring, content: { from: key } }]),
          {
            path: `/etc/yum.repos.d/${id(index)}.repo`,
            content: { text: `[${id(index)}]\nname=${name}\nbaseurl=${url}\nenabled=1\n${check}\n` },
          },
        ];
      });
    case "apk":
      return service.repositories.apk.flatMap(({ url, key }): RepositoryFile[] => [
        ...(key === undefined
          ? []
          : [{ path: `/etc/apk/keys/${key.slice(key.lastIndexOf("/") + 1)}`, content: { from: key } }]),
        { path: "/etc/apk/repositories", content: { text: `${url}\n` }, append: true },
      ]);
  }
}
