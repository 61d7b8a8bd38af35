<#
.SYNOPSIS
Restores scheduled tasks. Needs Windows PowerShell 5.1 and the files of this folder, nothing else.

.DESCRIPTION
Checks the hash of every file, asks for each account's password once, continues after a failure, and ends with a table.
A task that exists and differs is first saved in the folder "replaced". Tasks that start when they are registered do not
start. -WhatIf only prints what would be done.

about.txt holds the title and, in its second line, the SHA-256 of tasks.csv. tasks.csv is UTF-8 with byte order mark and
has one row per task:

  Folder, Name   where the task is registered, such as \OpenData and Load
  File, Sha256   its definition in this folder, and the hash of that file
  Account        the account to register it with; empty: as its definition says
  AsksPassword   true: the password of Account is needed
  Logon          TASK_LOGON_TYPE of taskschd.h, a number
  Enabled        true or false: whether the task is enabled afterwards
  StartsAtOnce   true: it has a registration trigger, which must not fire
  Sddl           owner, group and access list; empty: not known

Exit code 0: done; 1: done, but a task could not be restored; 2: nothing done, because a file of this folder is missing
or was changed; 3: could not finish.

.EXAMPLE
powershell -NoProfile -ExecutionPolicy Bypass -File restore.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param()

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$createOrUpdate, $noPrincipalEntry, $ignoreRegistrationTriggers = 0x6, 0x10, 0x20
$notFound = -2147024894, -2147024893  # 0x80070002 and 0x80070003: no such task, no such folder
$withoutPassword = 2, 4, 5  # S4U, a group, a service account
$accountRefused = -2147024809, -2147023564, -2147024882  # 0x80070057, 0x80070534 and 0x8007000E
$refusedLogon = '8007052e|-2147023570'  # the two forms in which Windows reports a wrong password
$stamp = (Get-Date).ToUniversalTime().ToString('yyyyMMddTHHmmssZ')

function Get-Place([string] $file) {
    [IO.Path]::Combine($PSScriptRoot, $file)
}

function Assert-Unchanged([string] $file, [string] $sha256) {
    $algorithm = New-Object System.Security.Cryptography.SHA256CryptoServiceProvider
    $hash = [BitConverter]::ToString($algorithm.ComputeHash([IO.File]::ReadAllBytes((Get-Place $file))))
    if ($hash.Replace('-', '') -ne $sha256) { throw 'was changed after it was written (its sha256 differs)' }
}

function ConvertFrom-Row($row) {
    # the cells of a CSV are all text
    $task = @{ Logon = [int]$row.Logon }
    foreach ($column in 'Folder', 'Name', 'File', 'Sha256', 'Account', 'Sddl') { $task[$column] = [string]$row.$column }
    foreach ($column in 'AsksPassword', 'Enabled', 'StartsAtOnce') { $task[$column] = $row.$column -eq 'true' }
    $task
}

function Find-Task($task) {
    # the existing task, or nothing
    try { $service.GetFolder($task.Folder).GetTask($task.Name) }
    catch { if ($notFound -notcontains $_.Exception.GetBaseException().HResult) { throw } }
}

function Get-Folder([string] $path) {
    # the folder, created with its parents where missing
    try { return $service.GetFolder($path) }
    catch { if ($notFound -notcontains $_.Exception.GetBaseException().HResult) { throw } }
    $null = $service.GetFolder('\').CreateFolder($path.TrimStart('\'))
    $service.GetFolder($path)
}

function Save-Replaced($old, $task) {
    $place = Get-Place ([IO.Path]::Combine('replaced', $stamp, $task.File))
    $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($place))
    [IO.File]::WriteAllText($place, $old.Xml, [Text.Encoding]::Unicode)
}

function Register-One($task, [string] $xml, $password) {
    $folder = Get-Folder $task.Folder
    if ($task.StartsAtOnce) {
        # only COM has the flag that keeps a registration trigger from starting the task
        $user = if ($task.Account) { $task.Account } else { $null }
        $flags = $createOrUpdate -bor $ignoreRegistrationTriggers
        try { $null = $folder.RegisterTask($task.Name, $xml, $flags, $user, $password, $task.Logon, $null) }
        catch {
            # without a password the definition may have to name the logon type alone
            if ($user -or $withoutPassword -notcontains $task.Logon) { throw }
            if ($accountRefused -notcontains $_.Exception.GetBaseException().HResult) { throw }
            $null = $folder.RegisterTask($task.Name, $xml, $flags, $null, $null, 0, $null)
        }
    } else {
        # a cmdlet of a module does not see our $ErrorActionPreference
        $with = @{ TaskName = $task.Name; TaskPath = $task.Folder.TrimEnd('\') + '\'; Xml = $xml }
        $with += @{ Force = $true; ErrorAction = 'Stop' }
        # -User needs a password; a managed account has none, and the definition names it
        if ($password) { $with.User = $task.Account; $with.Password = $password }
        $null = Register-ScheduledTask @with
    }
}

function Set-Access($registered, [string] $sddl) {
    # what could not be restored; to set another owner than oneself takes a privilege
    try { $null = $registered.SetSecurityDescriptor($sddl, $noPrincipalEntry); return '' }
    catch { $why = $_.Exception.GetBaseException().Message }
    $entries = $sddl.IndexOf('D:')
    if ($entries -gt 0) {
        try {
            $null = $registered.SetSecurityDescriptor($sddl.Substring($entries), $noPrincipalEntry)
            return 'owner not restored: ' + $why
        } catch { $why = $_.Exception.GetBaseException().Message }
    }
    'access list not restored: ' + $why
}

try {
    try {
        $title, $sha256 = [IO.File]::ReadAllLines((Get-Place 'about.txt'))
        Assert-Unchanged 'tasks.csv' $sha256
    } catch {
        Write-Warning ('about.txt, tasks.csv: ' + $_.Exception.GetBaseException().Message)
        exit 2
    }
    Write-Output $title
    # without -Encoding, 5.1 reads ASCII
    $tasks = @(Import-Csv -LiteralPath (Get-Place 'tasks.csv') -Encoding UTF8 | ForEach-Object { ConvertFrom-Row $_ })
    $definitions = @{}
    $damaged = 0
    foreach ($task in $tasks) {
        try {
            Assert-Unchanged $task.File $task.Sha256
            $definitions[$task.File] = [IO.File]::ReadAllText((Get-Place $task.File), [Text.Encoding]::Unicode)
        } catch { Write-Warning ($task.File + ': ' + $_.Exception.GetBaseException().Message); $damaged++ }
    }
    if ($damaged) { exit 2 }

    $me = [Security.Principal.WindowsIdentity]::GetCurrent()
    $rights = New-Object System.Security.Principal.WindowsPrincipal $me
    if (-not $rights.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Write-Warning 'Not running as administrator: most tasks can not be restored.'
    }
    $service = New-Object -ComObject 'Schedule.Service'
    $service.Connect()

    $passwords = @{}
    foreach ($task in $tasks) {
        if ($task.AsksPassword -and -not $WhatIfPreference -and -not $passwords.ContainsKey($task.Account)) {
            $passwords[$task.Account] = Read-Host -AsSecureString -Prompt ('Password of ' + $task.Account)
        }
    }

    $refused = @{}
    $failed = 0
    $results = foreach ($task in $tasks) {
        $full = $task.Folder.TrimEnd('\') + '\' + $task.Name
        $xml = $definitions[$task.File]
        $result, $detail = 'failed', ''
        try {
            $old = Find-Task $task
            $verb = if ($old) { 'replace' } else { 'create' }
            if ($old -and [string]::Equals($old.Xml, $xml, [StringComparison]::Ordinal)) {
                $result = 'unchanged'
            } elseif (-not $PSCmdlet.ShouldProcess($full, $verb)) {
                $result = 'would ' + $verb
            } elseif ($task.AsksPassword -and $passwords[$task.Account].Length -eq 0) {
                $detail = 'no password was given for ' + $task.Account
            } elseif ($refused.ContainsKey($task.Account)) {
                # each further attempt could lock the account
                $detail = 'not tried: the password of ' + $task.Account + ' was refused'
            } else {
                $password = $null
                if ($task.AsksPassword) {
                    $secret = New-Object System.Management.Automation.PSCredential 'any', $passwords[$task.Account]
                    $password = $secret.GetNetworkCredential().Password
                }
                if ($old) { Save-Replaced $old $task }
                Register-One $task $xml $password
                $result = if ($old) { 'replaced' } else { 'created' }
                $new = Find-Task $task
                if (-not $new) { throw 'registered, but does not exist' }
                if ($new.Enabled -ne $task.Enabled) { throw 'registered, but not enabled or disabled as it should be' }
                if ($task.Sddl) { $detail = Set-Access $new $task.Sddl }
            }
        } catch {
            $result, $detail = 'failed', $_.Exception.GetBaseException().Message.Trim()
            if (($_.FullyQualifiedErrorId + ' ' + $_.Exception.GetBaseException().HResult) -match $refusedLogon) {
                $refused[$task.Account] = $true
            }
        }
        if ($result -eq 'failed') { $failed++ }
        New-Object psobject -Property @{ Task = $full; Result = $result; Detail = $detail }
    }
    $columns = @('Task', 'Result', 'Detail')
    $results | Format-Table -Property $columns -AutoSize -Wrap | Out-String -Width 200 | Write-Output
    if ($failed) { exit 1 }
    exit 0
} catch {
    Write-Warning ('Could not finish: ' + $_.Exception.GetBaseException().Message)
    exit 3
}
