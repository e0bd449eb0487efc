// What is counted of one host: gauges and counters as `/clusters` shows them.
export interface HostStats {
  cxActive: number;
  cxTotal: number;
  cxConnectFail: number;
  rqActive: number;
  rqTotal: number;
  rqSuccess: number;
  rqError: number;
  rqTimeout: number;
  /** They wait for a connection. */
  rqPendingActive: number;
}

export function makeHostStats(): HostStats {
  return {
    cxActive: 0,
    cxTotal: 0,
    cxConnectFail: 0,
    rqActive: 0,
    rqTotal: 0,
    rqSuccess: 0,
    rqError: 0,
    rqTimeout: 0,
    rqPendingActive: 0,
  };
}
