/** A user of the MAAS. */
export interface User { id: number, username: string, email: string, superuser: boolean, password: string }

/** An API key, as MAAS prints it: consumer:key:secret. */
export interface Token { consumer: string, key: string, secret: string, name: string, user: User }

/** A tag on machines. */
export interface Tag { name: string, definition: string, comment: string, kernelOptions: string }

/** A file in MAAS's file storage; whoever knows the key may read it. */
export interface StoredFile { filename: string, owner: User, key: string, content: Buffer }

/** The states a machine can be in here, with MAAS's numbers (maasserver/enum.py, NODE_STATUS). */
export const STATUS = { New: 0, Commissioning: 1, Ready: 4, Deployed: 6, Retired: 7, Deploying: 9, Allocated: 10 } as const

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
  cpuCount: number
  memory: number
  /** MAAS makes one when the machine is first deployed. */
  token: Omit<Token, 'user' | 'name'> | null
}

/** Who asks when nobody has authenticated. */
export const ANONYMOUS: User = { id: 0, username: '', email: '', superuser: false, password: '' }
