/** What a CA's certificate says of itself. */
export interface CaSubject {
  /** Names below it, and no others, can be certified. */
  readonly zone: string;
  readonly name: string;
  /** How many CAs may stand below it. */
  readonly pathLength: number;
}

/**
 * Configuration of openssl for a CA bound to one zone: name constraints, RFC 5280, section 4.2.1.10. A permitted subtree
 * bounds its own kind of name alone, so addresses are excluded as a whole.
 */
export const caConfig = ({ zone, name, pathLength }: CaSubject): string => `[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
O = Bootlace
OU = ${zone}
CN = ${name}
[extensions]
basicConstraints = critical, CA:TRUE, pathlen:${pathLength}
keyUsage = critical, keyCertSign, cRLSign
nameConstraints = critical, @names
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[names]
permitted;DNS.0 = ${zone}
excluded;IP.0 = 0.0.0.0/0.0.0.0
excluded;IP.1 = ::/::
`;
