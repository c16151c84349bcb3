# Sourced: what the distribution calls Apache's folders and its control program.
if [ -d /etc/apache2/conf-enabled ]; then
  sites=/etc/apache2/conf-enabled ports=/etc/apache2/ports.conf ctl=apache2ctl # Debian
elif [ -d /etc/httpd/conf.d ]; then
  sites=/etc/httpd/conf.d ports='' ctl=apachectl # Amazon Linux, Fedora
else
  sites=/etc/apache2/conf.d ports='' ctl=httpd # Alpine
fi
# On a fresh /run without systemd nobody has made it yet.
[ -d /run/lock ] || install -d -m 1777 /run/lock
