import nothing from "no-such-package";
nothing();
