/** A user of the MAAS. */
export interface User { id: number, username: string, email: string, superuser: boolean, password: string }

/** An API key, as MAAS prints it: consumer:key:secret. */
export interface Token { consumer: string, key: string, secret: string, name: string, user: User }

/** A tag on machines. */
export interface Tag { name: string, definition: string, comment: string, kernelOptions: string }

/** A file in MAAS's file storage. Its key gives anyone read access. */
export interface StoredFile { filename: string, owner: User, key: string, content: Buffer }

/** A script for commissioning or testing machines. */
export interface Script { id: number, name: string, title: string, type: number, tags: string[], content: string }

/** An image that is uploaded in chunks. */
export interface BootResource {
  id: number
  name: string
  architecture: string
  title: string
  sha256: string
  size: number
  content: Buffer
}

/** The states of a machine in the stand-in, with MAAS's numbers (maasserver/enum.py, NODE_STATUS). */
export const STATUS = {
  New: 0, Commissioning: 1, Ready: 4, Deployed: 6, Retired: 7, Deploying: 9, Allocated: 10
} as const

/** One of MAAS's status names. */
export type Status = keyof typeof STATUS

/** A machine. */
export interface Machine {
  id: number
  systemId: string
  hostname: string
  description: string
  macs: string[]
  architecture: string
  status: Status
  owner: User | null
  tags: string[]
  powerType: string
  powerState: 'on' | 'off' | 'unknown'
  powerParameters: Record<string, string>
  /** Whether a rack controller can reach its BMC. */
  hasRack: boolean
  /** Whether its interface has a link to a subnet, so that it can be deployed. */
  hasLink: boolean
  hasDisk: boolean
  /** The series that is installed; null if there is none. */
  series: string | null
  /** The numbers of the last results of commissioning and testing; null if there are none. */
  results: [commissioning: number, testing: number] | null
  cpuCount: number
  memory: number
  /** MAAS creates it at the first deployment of the machine. */
  token: Omit<Token, 'user' | 'name'> | null
}

/** The user of a request without authentication. */
export const ANONYMOUS: User = { id: 0, username: '', email: '', superuser: false, password: '' }
