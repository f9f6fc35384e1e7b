/* Tells the pages that wait for a confirmation that it has been given. A channel of this site and not the window
 * that opened this one: on the way over the provider the browser has cut the two apart. */
"use strict";
new BroadcastChannel("gatehouse-confirmed").postMessage("confirmed");
window.close();
