#!/bin/sh -eu
# Apache can do TLS and hand requests on.
if command -v a2enmod > /dev/null; then
  a2enmod -q ssl proxy proxy_http headers
fi
# Fedora's and Alpine's own TLS host wants a certificate that may not be there; the port is ours.
for file in /etc/httpd/conf.d/ssl.conf /etc/apache2/conf.d/ssl.conf; do
  [ ! -e "$file" ] || sed -i '/^Listen /s/^/#/; /^<VirtualHost/,/^<\/VirtualHost>/s/^/#/' "$file"
done
