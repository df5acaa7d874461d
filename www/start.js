// Starts the page's own module. Everything of one build lies in one folder: the module asks for the rest of it there.
import start from "./app.js";

self.violetFolder = new URL(".", import.meta.url).href;
start();
