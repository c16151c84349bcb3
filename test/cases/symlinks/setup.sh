ln -s /etc/passwd services/web/passwd
ln -s nowhere services/web/dangling
ln -s real.sh services/web/update.sh
ln -s . services/web/loop
mkfifo services/web/pipe
mkdir services/web/.bootlace
