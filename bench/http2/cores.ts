// One core for the proxy, one for everything else.
export const PROXY_CORE = "0";
export const LOAD_CORE = "1";
