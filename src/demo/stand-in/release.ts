import { Answer, ApiException, apiException } from './answers.ts'

/** The versions of MAAS that the stand-in answers as. */
export const VERSIONS = ['3.4', '3.7'] as const

/** One of {@link VERSIONS}. */
export type MaasVersion = typeof VERSIONS[number]

/** The differences between the versions. */
export interface Release {
  version: string
  /** the order of methods in `Allow`, which is that of a Python set */
  methods: readonly string[]
  /** whether Django adds a missing slash before it asks for a login (APPEND_SLASH) */
  appendsSlash: boolean
  /** the user `MAAS`, which runs MAAS's own tasks */
  isMaasSuperuser: boolean
  hasInitUser: boolean
  /** the length of Django's CSRF token in its cookie, and whether a malformed one is replaced */
  csrfTokenLength: number
  replacesCsrfToken: boolean
  csrfPageType: string
  /** the fields of a machine that the other version does not have */
  machineFields: Record<string, false | ''>
  /** whether a machine keeps its token when it is deployed */
  keepsMachineToken: boolean
  /** whether the first machine of the recorded MAAS had a disk */
  hasFirstDisk: boolean
  /** the numbers of the results of a machine to accept, which was commissioned on one of the recorded MAAS */
  testedNumbers: [commissioning: number, testing: number] | null
  /** the default series to deploy */
  defaultSeries: string
  /** piston's answer to an empty timestamp (maasserver/api/auth.py, OAuthBadRequest, since 3.5) */
  missingTimestamp: () => Error
  /** the answer to starting a machine that has no link to a subnet */
  notDeployable: () => ApiException
}

/** Facts by version, as observed. */
export const RELEASES: Readonly<Record<MaasVersion, Release>> = {
  3.4: {
    version: '3.4.10',
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    appendsSlash: true,
    isMaasSuperuser: false,
    hasInitUser: true,
    csrfTokenLength: 64,
    replacesCsrfToken: false,
    csrfPageType: 'text/html',
    machineFields: {},
    keepsMachineToken: true,
    hasFirstDisk: true,
    testedNumbers: null,
    defaultSeries: 'focal',
    missingTimestamp: () => new Error('Missing timestamp.'),
    notDeployable: () => apiException(400, 'Deployment operating system ubuntu focal is unavailable.')
  },
  3.7: {
    version: '3.7.3',
    methods: ['DELETE', 'PUT', 'POST', 'GET'],
    appendsSlash: false,
    isMaasSuperuser: true,
    hasInitUser: false,
    csrfTokenLength: 32,
    replacesCsrfToken: true,
    csrfPageType: 'text/html; charset=utf-8',
    machineFields: { error_description: '', is_dpu: false, enable_kernel_crash_dump: false },
    keepsMachineToken: false,
    hasFirstDisk: false,
    testedNumbers: [13, 14],
    defaultSeries: 'noble',
    missingTimestamp: () => apiException(400, "'Bad Request: Missing timestamp.'"),
    notDeployable: () => new ApiException(
      new Answer(400, 'application/json', '{"network": ["Node must be configured to use a network"]}')
    )
  }
}
